"""Runs moto's server with two corrections toward AWS. ValidateTemplate refuses errors of cfn-lint, not its warnings. A
resource that an update removed is created again when a later template has it, as after a rollback; moto 5.2.5 believes
that it still exists. Prints the port, and runs until it is stopped."""

import signal

from moto.cloudformation import models, parsing
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

lint = models.validate_template_cfn_lint
models.validate_template_cfn_lint = lambda template: [
    match for match in lint(template) if match.rule.id.startswith("E")
]

update = parsing.ResourceMap.update


def update_and_forget(resources, template, parameters=None):
    removed = set(resources._resource_json_map) - set(template["Resources"])
    update(resources, template, parameters)
    for name in removed:
        resources._parsed_resources.pop(name, None)


parsing.ResourceMap.update = update_and_forget

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(f"listening on {port}", flush=True)
signal.pause()
