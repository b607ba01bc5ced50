"""Where things are, and what they are called, for the driver and its commands alike."""

NAME = "wifi"  #: of the driver, its section and its command
KNOWN = "/etc/wpa_supplicant/wpa_supplicant.conf"  #: the list of known networks
