/* The option parser on command lines of known and of arbitrary words. */
// covers: kernel/options.c kernel/options_net.c kernel/options_netdev.c
// covers: kernel/options_chardev.c kernel/chardev_parse.c
// covers: kernel/options_dump.c kernel/options_redir.c kernel/options_drive.c
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/options.h"
#include "kernel/options_net.h"

#define MAX_ARGS 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const words[] = {
    "-m", "-hda", "-hdb", "-hdc", "-hdd", "-cdrom", "-boot", "-snapshot",
    "-net", "-serial", "-nographic", "-echr", "-S", "-no-reboot", "-accel",
    "-d", "-D", "guest_errors,unimp", "in_asm",
    "-cpu", "-icount", "-name", "-bios", "-debugcon", "-version", "-help", "-uart",
    "--name", "-h", "64", "1G", "64M", "order=dc", "cdn", "none", "null",
    "stdio", "mon:stdio", "0x14", "shift=3", "shift=0,sleep=off", "nic",
    "nic,macaddr=52:54:00:12:34:56", "nic,vlan=3,model=ne2k_pci",
    "nic,romfile=x", "bridge", "bridge,ip=dhcp", "bridge,ip=10.0.0.1/8,nic=1",
    "-redir", "tcp:5555::80", "udp:53:10.0.2.15:53", "user,restrict=on",
    "-readconfig", "bridge,pci=00:1f.6", "bridge,mac=52:54:00:12:34:56",
    "-netdev", "-device", "-nic", "tap,id=t,script=no", "bridge,id=b,nic=1",
    "ne2k_pci,netdev=t", "ne2k_pci,netdev=b,mac=52:54:00:12:34:56,addr=4",
    "tap,model=ne2k_pci,mac=52:54:00:12:34:57", "nic,netdev=t,name=n",
    "-object", "filter-dump,id=f,netdev=t,file=x,maxlen=64",
    "dump,vlan=3,len=14", "tap,ifname=t0,script=no", "socket,connect=127.0.0.1:1", "x.img",
    "-monitor", "-mon", "-chardev", "-parallel", "tcp::4444,server,nowait",
    "telnet:h:1,server=on,wait=off,nodelay", "udp:1.2.3.4:5@:6", "vc:80Cx24C",
    "unix:/x,server=on", "mon:pty", "file:x", "com2,baud=9600,flow=rtscts",
    "socket,id=c,host=h,port=1,telnet=on,reconnect=3,mux=on", "chardev:c",
    "ringbuf,id=r,size=4096", "ringbuf:64K", "chardev=c,mode=readline",
    "-drive", "file=x,,y,index=2,snapshot=on,format=raw", "media=cdrom,bus=1,unit=1",
    "file=z,if=ide,media=disk,readonly=on", "-hdachs", "42,16,63", "1,2,3,large",
};
#define WORDS (sizeof words / sizeof *words)

static void check_width(const char *text)
{
    if (strlen(text) > 80)
        abort();
}

/*
 * A byte below WORDS is that word; another starts a literal of (byte - WORDS)
 * bytes, which the input goes on with.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct options o;
    char *argv[MAX_ARGS + 1], *made[MAX_ARGS + 1], why[64] = "";
    enum options_result result;
    int argc = 1, literals = 0;

    argv[0] = (char *)"trestle";
    while (size && argc < MAX_ARGS) {
        uint8_t b = *data++;
        size_t n;

        size--;
        if (b < WORDS) {
            argv[argc++] = (char *)words[b];
            continue;
        }
        n = b - WORDS < size ? b - WORDS : size;
        made[literals] = malloc(n + 1);
        memcpy(made[literals], data, n);
        made[literals][n] = '\0';
        argv[argc++] = made[literals++];
        data += n;
        size -= n;
    }
    if (argc == 1)
        options_help(check_width);
    result = options_parse(&o, argc, argv, why, sizeof why);
    if ((result == OPTIONS_ERROR ||
         (result == OPTIONS_RUN &&
          !options_default_net(&o, true, why, sizeof why))) && !why[0])
        abort();                /* an error always says something */
    while (literals)
        free(made[--literals]);
    return 0;
}
