# What config/openwrt/Makefile uses of OpenWrt's SDK, as far as a test needs it; written from the SDK's documentation.
INCLUDE_DIR:=$(TOPDIR)/include
INSTALL_DIR:=install -d -m 0755
INSTALL_BIN:=install -m 0755
INSTALL_CONF:=install -m 0600
CP:=cp -fpR
PKG_BUILD_DIR:=$(OUT)/source
PKG_INSTALL_DIR:=$(OUT)/built
