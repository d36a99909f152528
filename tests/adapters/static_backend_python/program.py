"""The cases of the package's own suite that concern users, against the adapter. Prints one line of JSON."""

import json
import sys

from staticbackend import Config, StaticBackend
from staticbackend.errors import AuthenticationError, EmailError

endpoint, key, root_token, email = sys.argv[1:]
user = StaticBackend(Config(api_token=key, root_token=root_token, endpoint=endpoint)).user


def error_of(call):
    try:
        return call()
    except (AuthenticationError, EmailError) as error:
        return type(error).__name__


def main():
    registered = user.register(email, "userpw")
    session = user.login(email, "userpw")
    code = user.send_reset_code(email)
    return {
        "registered": registered.token.count("."),
        "signed_in": session.token.count("."),
        "registered_again": error_of(lambda: user.register(email, "userpw")),
        "unknown": error_of(lambda: user.login("nobody@example.com", "userpw")),
        "code_is_alphanumeric": code.isalnum(),
        "code_of_unknown": error_of(lambda: user.send_reset_code("nobody@example.com")),
        "reset": user.reset_password(email.upper(), code, "newpw852"),
        "signed_in_anew": user.login(email, "newpw852").token.count("."),
        "reset_back": user.reset_password(email, user.send_reset_code(email), "userpw"),
        "signed_in_back": user.login(email, "userpw").token.count("."),
    }


print(json.dumps(main()))
