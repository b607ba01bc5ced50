"""Cellular links for conman: the drivers hilink, wwan (QMI) and sakis3g."""
