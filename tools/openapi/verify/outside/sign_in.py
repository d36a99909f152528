"""Signs in with the client that openapi-python-client generates from the document."""

import json
import re
import sys
import urllib.request

from nest_client import AuthenticatedClient, Client
from nest_client.api.account import get_user_2021_10_06 as get_user
from nest_client.api.sign_in import authenticate_user_2021_10_06 as authenticate_user
from nest_client.api.sign_in import send_magic_link_2021_10_06 as send_magic_link
from nest_client.models import (
    AuthenticateUser20201214RequestAuthorizationCode,
    AuthenticateUser20201214Response,
    GetUser20211006Request,
    GetUser20211006Response,
    SendMagicLink20201214Request,
)

url, address, client_id, redirect_uri = sys.argv[1:]
client = {"client_id": client_id, "redirect_uri": redirect_uri}
nest = Client(base_url=url)
link = {
    **client,
    "state": "s",
    "code_challenge_method": "S256",
    # RFC 7636, appendix B.
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "identifier_type": "email",
    "identifier_value": address,
}
asked = send_magic_link.sync_detailed(client=nest, body=SendMagicLink20201214Request.from_dict(link))
assert asked.status_code == 204, asked
with urllib.request.urlopen(f"{url}/dev/inbox") as inbox:
    mail = [mail for mail in json.load(inbox) if mail["to"] == address][-1]
grant = {
    **client,
    "grant_type": "authorization_code",
    "code": re.search(r"authzcode_\w+\.\w+", mail["text"])[0],
    "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
}
body = AuthenticateUser20201214RequestAuthorizationCode.from_dict(grant)
tokens = authenticate_user.sync(client=nest, body=body)
assert isinstance(tokens, AuthenticateUser20201214Response), tokens
signed_in = AuthenticatedClient(base_url=url, token=tokens.access_token)
user = get_user.sync(client=signed_in, body=GetUser20211006Request(user_id=tokens.user_id))
assert isinstance(user, GetUser20211006Response), user
assert user.identifiers[0].identifier_value == address, user
