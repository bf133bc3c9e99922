"""Publishes a tarball under a name and a version of one's choice, and prints the status:
npm-publish.py REGISTRY USER:PASSWORD NAME VERSION TARBALL."""
import base64
import hashlib
import json
import sys
import urllib.error
import urllib.request

registry, credentials, name, version, path = sys.argv[1:]
data = open(path, "rb").read()
integrity = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
document = {
    "_id": name, "name": name, "dist-tags": {"latest": version},
    "versions": {version: {"name": name, "version": version, "dist": {
        "integrity": integrity, "shasum": hashlib.sha1(data).hexdigest()}}},
    "_attachments": {f"{name}-{version}.tgz": {
        "content_type": "application/octet-stream", "data": base64.b64encode(data).decode(), "length": len(data)}},
}
request = urllib.request.Request(registry + name, json.dumps(document).encode(), method="PUT", headers={
    "Authorization": "Basic " + base64.b64encode(credentials.encode()).decode(), "Content-Type": "application/json"})
try:
    print(urllib.request.urlopen(request).status)
except urllib.error.HTTPError as error:
    print(error.status)
    print(error.read().decode(), file=sys.stderr)
