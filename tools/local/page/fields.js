/** Errors of form fields, shown beside the field. */
import { byId } from "/assets/dom.js";

/** Shows an error beside a field and moves the focus to the field. The error's element has the id `<field>-error`. */
export function showFieldError(field, text) {
  byId(`${field.id}-error`).textContent = text;
  field.setAttribute("aria-invalid", "true");
  field.focus();
}

function clearFieldError(field) {
  byId(`${field.id}-error`).textContent = "";
  field.removeAttribute("aria-invalid");
}

/** Empties the fields of a form, and removes their errors. */
export function clearForm(form) {
  form.reset();
  for (const field of form.querySelectorAll("[aria-invalid]")) clearFieldError(field);
}

/**
 * Runs `submit` when the form is submitted with valid fields. Otherwise shows the first invalid field's error.
 * @param explain returns the text for a field whose constraints are violated
 */
export function listenForSubmit(form, explain, submit) {
  form.noValidate = true;
  const fields = [...form.querySelectorAll("input")];
  for (const field of fields) field.addEventListener("input", () => clearFieldError(field));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const field of fields) clearFieldError(field);
    const invalid = fields.find((field) => !field.checkValidity());
    if (invalid) showFieldError(invalid, explain(invalid));
    else submit(event);
  });
}
