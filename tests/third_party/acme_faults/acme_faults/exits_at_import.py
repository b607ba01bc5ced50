import sys

sys.exit("the license server does not answer")
