/*
 * What the network's options share: options_net.c has the kinds, their settings
 * and -net, options_netdev.c the other ways to say the same.
 */
#ifndef KERNEL_OPTIONS_NET_IMPL_H
#define KERNEL_OPTIONS_NET_IMPL_H

#include "kernel/options_parser.h"

/* One option's value on its way in. */
struct net_line {
    struct options *o;
    const char *option;         /* "-net", for `why` */
    struct net_option *made[2]; /* what it makes; [0] first, [1] for -nic */
    /* One setting. False: `why` says what is wrong. */
    bool (*set)(struct net_line *l, const char *key, const char *value);
    char *why;
    size_t why_size;
    const char *value;          /* the whole; these are net_first_word's */
    char text[OPTIONS_TEXT], *rest;     /* NULL: no more settings */
};

/*
 * Begin l->made[i], of the kind that `word` names. It counts among the options
 * only when net_keep was here. False: no such kind, or no room.
 */
bool net_begin(struct net_line *l, unsigned i, const char *word);
/* One setting of l->made[i] by its kind. */
bool net_set(struct net_line *l, unsigned i, const char *key,
             const char *value);
/* The value of id=, name= or netdev=. */
bool net_set_name(struct net_line *l, char out[OPTIONS_ID_MAX + 1],
                  const char *value);
/* -net dump: as the other, older kinds. */
bool net_parse_dump(struct net_line *l);
bool net_set_vlan(struct net_line *l, struct net_option *n, const char *value);
/*
 * Begin with `value`, which stays the caller's: its word before the first
 * comma, in `l`. The settings wait for net_settings.
 */
char *net_first_word(struct net_line *l, const char *value);
/* "none" alone, the first word of -net and -nic: noted in the options. */
bool net_is_none(struct net_line *l, const char *word);
/* l->set for each setting. */
bool net_settings(struct net_line *l);
/* What was begun is complete: check it and count it among the options. */
bool net_keep(struct net_line *l);

/* The settings of `n` as a whole, again. */
bool net_check(const struct net_option *n, char *why, size_t size);
/* After the last option: -redir goes to the first user network. */
bool net_apply_redirs(struct options *o, char *why, size_t size);
/* After the last option: join NICs with the netdevs that they name. */
bool net_join_peers(struct options *o, char *why, size_t size);

#endif
