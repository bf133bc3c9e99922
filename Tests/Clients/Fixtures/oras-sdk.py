"""Drives the oras SDK against a registry: push, attach, discover, chunked push and pull.

    oras-sdk.py HOST USER PASSWORD
"""

import json
import pathlib
import sys

import oras.client
import oras.oci

MANIFEST = "application/vnd.oci.image.manifest.v1+json"

host, user, password = sys.argv[1:4]
client = oras.client.OrasClient(hostname=host, insecure=True, auth_backend="token")
client.login(hostname=host, username=user, password=password, tls_verify=False)
target = f"{host}/team/sdk:v1"

pathlib.Path("greeting.txt").write_text("from the SDK")
pushed = client.push(target=target, files=["greeting.txt:text/plain"])
digest = pushed.headers["Docker-Content-Digest"]
manifest = client.do_request(
    f"{client.prefix}://{host}/v2/team/sdk/manifests/{digest}", "GET", headers={"Accept": MANIFEST}
)

pathlib.Path("sbom.json").write_text("{}")
subject = oras.oci.Subject(MANIFEST, digest, len(manifest.content))
attached = client.push(target=f"{host}/team/sdk:sbom", files=["sbom.json:application/json"], subject=subject)
referrers = client.do_request(f"{client.prefix}://{host}/v2/team/sdk/referrers/{digest}", "GET").json()

chunked = client.push(
    target=f"{host}/team/sdk:chunked", files=["greeting.txt:text/plain"], do_chunked=True, chunk_size=5
)
pulled = client.pull(target=f"{host}/team/sdk:chunked", outdir="pulled")

print(
    json.dumps(
        {
            "digest": digest,
            "subject": attached.headers.get("OCI-Subject"),
            "attached": attached.headers["Docker-Content-Digest"],
            "referrers": [manifest["digest"] for manifest in referrers["manifests"]],
            "tags": sorted(client.get_tags(f"{host}/team/sdk")),
            "pulled": pathlib.Path(pulled[0]).read_text(),
        }
    )
)
