"""Logs npm in at a terminal, as a person would: npm-login.py NPM REGISTRY USER PASSWORD."""
import os
import pty
import select
import sys
import time

npm, registry, user, password = sys.argv[1:]
process, terminal = pty.fork()
if process == 0:
    os.execv(npm, [npm, "login", "--auth-type=legacy", "--registry", registry])

answers = [("sername:", user), ("assword:", password), ("mail", "ann@example.invalid")]
seen = ""
deadline = time.time() + 60
while time.time() < deadline:
    if not select.select([terminal], [], [], 1)[0]:
        continue
    try:
        text = os.read(terminal, 4096).decode(errors="replace")
    except OSError:
        break
    if not text:
        break
    sys.stdout.write(text)
    seen += text
    if answers and answers[0][0] in seen:
        os.write(terminal, (answers.pop(0)[1] + "\n").encode())
        seen = ""
sys.exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
