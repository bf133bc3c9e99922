"""Cases that the management interface cannot be tested with, and why."""

import datetime
import ipaddress
import itertools
import os

import schemathesis

# Of the token the test itself shows.
TOKEN = os.environ["GRANARY_TEST_TOKEN_ID"]
ADDRESSES = itertools.count(int(ipaddress.IPv4Address("198.18.0.1")))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Lets each case come from elsewhere: who shows many wrong passwords is to wait, and that is no fault."""
    case.headers["X-Forwarded-For"] = str(ipaddress.IPv4Address(next(ADDRESSES)))


@schemathesis.hook
def filter_case(context, case):
    return not (locks_out(case) or expires_in_the_past(case))


def locks_out(case):
    """Whether whoever tests would lose the right to: the user is deleted or demoted, or the token is revoked."""
    place = case.path_parameters or {}
    if case.path == "/api/v1/users/{name}" and case.method.upper() in ("PATCH", "DELETE"):
        return place.get("name") == "admin"
    return case.path == "/api/v1/tokens/{id}" and place.get("id") == TOKEN


def expires_in_the_past(case):
    """Whether a token would be of no use from the first moment, which is refused; a schema knows no clock."""
    if case.path != "/api/v1/tokens" or not isinstance(case.body, dict):
        return False
    try:
        moment = datetime.datetime.fromisoformat(case.body.get("expiresAt"))
        return moment <= datetime.datetime.now(datetime.timezone.utc)
    except (TypeError, ValueError):
        return False
