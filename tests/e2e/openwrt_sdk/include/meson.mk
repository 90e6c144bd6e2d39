# The SDK runs meson with $(MESON_ARGS); here the test does.
