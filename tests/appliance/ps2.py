"""The guest ps2_echo: what it prints of its PS/2 keyboard and mouse."""
READY = r"ps2_echo ready\r\n"


def expect_codes(appliance, codes):
    appliance.expect("".join(rf"key {c}\r\n" for c in codes.split()))


def check_keys(appliance, screen):
    screen.keys("a", "shift-b", "up", "alt_r", "kp_enter")
    expect_codes(appliance, "1e 9e 2a 30 b0 aa e0 48 e0 c8 e0 38 e0 b8 "
                            "e0 1c e0 9c")


def check_mouse(appliance, screen):
    """Its left button is down behind it."""
    screen.move(5, -3)
    appliance.expect(r"mouse 5 3 0 0\r\n")
    screen.move(button=("left", True))
    appliance.expect(r"mouse 0 0 0 1\r\n")
    screen.move(wheel=2)
    appliance.expect(r"mouse 0 0 (1|2) 1\r\n")
