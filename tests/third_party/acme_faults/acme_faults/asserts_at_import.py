raise AssertionError("this cannot happen")
