"""moto's server, with one thing as AWS has it: ValidateTemplate refuses what is wrong, not what a linter would only
warn of. Prints the port that it listens on, and runs until it is stopped."""

import signal

from moto.cloudformation import models
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

lint = models.validate_template_cfn_lint
models.validate_template_cfn_lint = lambda template: [
    match for match in lint(template) if match.rule.id.startswith("E")
]

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(f"listening on {port}", flush=True)
signal.pause()
