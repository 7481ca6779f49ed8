# lwIP, zlib and Zydis from Debian's source packages, each fetched once and built
# once per platform.
LWIP := $(BUILD)/lwip
LWIP_STAMP := $(LWIP)/fetched
# Core, IPv4 and Ethernet; bridgeif without its example FDB (kernel/net/fdb.c).
LWIP_C := core/init core/def core/inet_chksum core/ip core/mem core/memp \
  core/netif core/pbuf core/sys core/tcp core/tcp_in core/tcp_out \
  core/timeouts core/udp \
  core/ipv4/dhcp core/ipv4/etharp core/ipv4/icmp core/ipv4/igmp core/ipv4/ip4 \
  core/ipv4/ip4_addr core/ipv4/ip4_frag netif/bridgeif netif/ethernet

# Of zlib what inflates and deflates, without the gzip header.
ZLIB := $(BUILD)/zlib
ZLIB_STAMP := $(ZLIB)/fetched
ZLIB_C := adler32 crc32 deflate inffast inflate inftrees trees zutil

# Of Zydis its decoder and formatter, without a C library and what no guest's CPU
# has. Of Zycore it needs headers alone, which are the package's.
ZYDIS := $(BUILD)/zydis
ZYDIS_STAMP := $(ZYDIS)/fetched
ZYDIS_C := Decoder DecoderData Formatter FormatterATT FormatterBase \
  FormatterBuffer FormatterIntel MetaInfo Mnemonic Register Segment SharedData \
  String Utils Zydis
ZYDIS_DEF := -DZYAN_NO_LIBC -DZYDIS_STATIC_BUILD -DZYDIS_DISABLE_ENCODER \
  -DZYDIS_DISABLE_AVX512 -DZYDIS_DISABLE_KNC
ZYCORE_INC ?= /usr/include/Zycore
ZYCORE_LINK := $(BUILD)/zycore/Zycore

SOURCE_INC := -isystem $(LWIP)/src/src/include -Ikernel/net \
  -isystem $(ZLIB)/src -isystem $(ZYDIS)/src/include -isystem $(BUILD)/zycore

$(ZYCORE_LINK): | $(DEPS_build)
	@mkdir -p $(@D)
	@ln -sfn $(ZYCORE_INC) $@
$(LWIP_STAMP) $(ZLIB_STAMP) $(ZYDIS_STAMP): $(BUILD)/%/fetched: tools/fetch-source.sh | $(DEPS_build)
	@mkdir -p $(BUILD)
	@tools/fetch-source.sh $* $(@D)
	@touch $@

# $(call source_objects,DIR): what to link for the platform built below DIR.
source_objects = $(patsubst %,$(1)/lwip/%.o,$(LWIP_C)) \
                 $(patsubst %,$(1)/zlib/%.o,$(ZLIB_C)) \
                 $(patsubst %,$(1)/zydis/%.o,$(ZYDIS_C))
# $(call source_rule,DIR,COMPILE): how to build them (their warnings are their
# own), and those of ours that see their headers, which must be there first.
define source_rule
$(1)/lwip/%.o: $(LWIP_STAMP) kernel/net/lwipopts.h kernel/net/arch/cc.h $(1)/flags
	@mkdir -p $$(@D)
	@echo "  CC    lwip/$$*.c"
	@$(2) -w $(SOURCE_INC) -c -o $$@ $(LWIP)/src/src/$$*.c
$(1)/zlib/%.o: $(ZLIB_STAMP) $(1)/flags
	@mkdir -p $$(@D)
	@echo "  CC    zlib/$$*.c"
	@$(2) -w -DNO_GZIP -c -o $$@ $(ZLIB)/src/$$*.c
$(1)/zydis/%.o: $(ZYDIS_STAMP) $(1)/flags | $(ZYCORE_LINK)
	@mkdir -p $$(@D)
	@echo "  CC    zydis/$$*.c"
	@$(2) -w $(ZYDIS_DEF) $(SOURCE_INC) -I$(ZYDIS)/src/src -c -o $$@ \
	  $(ZYDIS)/src/src/$$*.c
$(1)/kernel/disk/inflate.o $(1)/kernel/picture/png.o: $(ZLIB_STAMP)
$(1)/kernel/disassemble.o: $(ZYDIS_STAMP) | $(ZYCORE_LINK)
endef
