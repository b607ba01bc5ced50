"""Cannot be imported: a package that it needs is not there."""

import acme_missing  # noqa: F401
