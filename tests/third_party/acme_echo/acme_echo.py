"""A command whose word another distribution claims, too."""

api_version = 1
about = "Say it again"


def build(parser):
    parser.set_defaults(run=lambda *_: 0)
