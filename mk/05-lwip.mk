# lwIP from Debian's source package, fetched once, built once per platform.
LWIP := $(BUILD)/lwip
LWIP_STAMP := $(LWIP)/fetched
LWIP_INC := -isystem $(LWIP)/src/src/include -Ikernel/net
# Core, IPv4 and Ethernet; bridgeif without its example FDB (kernel/net/fdb.c).
LWIP_C := core/init core/def core/inet_chksum core/ip core/mem core/memp \
  core/netif core/pbuf core/sys core/tcp core/tcp_in core/tcp_out \
  core/timeouts core/udp \
  core/ipv4/dhcp core/ipv4/etharp core/ipv4/icmp core/ipv4/igmp core/ipv4/ip4 \
  core/ipv4/ip4_addr core/ipv4/ip4_frag netif/bridgeif netif/ethernet

$(LWIP_STAMP): tools/fetch-lwip.sh | $(DEPS_build)
	@mkdir -p $(BUILD)
	@tools/fetch-lwip.sh $(LWIP)
	@touch $@

# $(call lwip_objects,DIR): what to link for the platform built below DIR.
lwip_objects = $(patsubst %,$(1)/lwip/%.o,$(LWIP_C))
# $(call lwip_rule,DIR,COMPILE): how to build them (lwIP's warnings are its own).
define lwip_rule
$(1)/lwip/%.o: $(LWIP_STAMP) kernel/net/lwipopts.h kernel/net/arch/cc.h $(1)/flags
	@mkdir -p $$(@D)
	@echo "  CC    lwip/$$*.c"
	@$(2) -w $(LWIP_INC) -c -o $$@ $(LWIP)/src/src/$$*.c
endef
