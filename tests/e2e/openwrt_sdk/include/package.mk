# As the SDK does it, a package's definitions become recipes, and its scripts pass through the environment unexpanded.
define BuildPackage
export POSTINST=$$(call Package/$(1)/postinst)
export PRERM=$$(call Package/$(1)/prerm)
DEPENDS:=
$$(eval $$(call Package/$(1)))

all:
	$$(call Build/Prepare)
	mkdir -p $$(PKG_INSTALL_DIR)/usr/bin $$(PKG_INSTALL_DIR)/usr/libexec/reversi
	touch $$(PKG_INSTALL_DIR)/usr/bin/reversi-client $$(PKG_INSTALL_DIR)/usr/libexec/reversi/reversi-worker
	$$(call Package/$(1)/install,$$(OUT)/root)
	printf '%s\n' "$$$$POSTINST" >$$(OUT)/postinst
	printf '%s\n' "$$$$PRERM" >$$(OUT)/prerm
	echo '$$(DEPENDS)' >$$(OUT)/depends
	echo '$$(MESON_ARGS)' >$$(OUT)/meson-options
endef
