from acme_faults.base import Plain, hang

hang()


class Driver(Plain):
    name = "hangs-at-import"
