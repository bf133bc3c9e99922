"""Gives the library of Helm a command line. The last line printed is what the verb came to."""
import json
import os
import sys

import helm_python as helm

verb, *rest = sys.argv[1:]


def login(client, host, user, password):
    client.login(host, user, password, plain_http=True)


def registry():
    return helm.RegistryClient(plain_http=True, credentials_file=os.environ["HOME"] + "/helm-registry.json")


if verb == "version":
    print(helm.helm_sdk_version())
elif verb == "package":
    folder, destination = rest
    print(helm.package(folder, destination=destination))
elif verb == "index":
    url, user, password = rest
    index = helm.repo_index(url, username=user or None, password=password or None)
    print(json.dumps(index))
elif verb == "pull":
    url, user, password, chart, version, destination = rest
    os.makedirs(destination, exist_ok=True)
    got = helm.pull(
        chart, repo_url=url, username=user or None, password=password or None, version=version or None,
        destination=destination)
    print(json.dumps(got))
elif verb == "dependencies":
    helm.dependency_update(rest[0])
    print(json.dumps(sorted(os.listdir(rest[0] + "/charts"))))
elif verb == "sign":
    archive, key, ring = rest
    print(helm.sign(archive, key=key, keyring=ring))
elif verb == "verify":
    archive, ring = rest
    print(json.dumps(helm.verify(archive, ring)))
elif verb == "oci":
    host, user, password, archive, remote, destination = rest
    os.makedirs(destination, exist_ok=True)
    client = registry()
    login(client, host, user, password)
    client.push(archive, remote, plain_http=True)
    chart = remote + "/" + os.path.basename(archive).rsplit("-", 1)[0]
    tags = client.tags(chart)
    client.pull(chart, destination=destination, plain_http=True)
    print(json.dumps(tags))
elif verb == "oci-pull":
    host, user, password, chart, version, destination = rest
    os.makedirs(destination, exist_ok=True)
    client = registry()
    login(client, host, user, password)
    tags = client.tags(chart)
    client.pull(chart, destination=destination, version=version, plain_http=True)
    print(json.dumps(tags))
else:
    sys.exit(f"no verb {verb}")
