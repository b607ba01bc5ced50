"""The page that people see, in a process of its own."""
