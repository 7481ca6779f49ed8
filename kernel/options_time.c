/* See options_time.h. */
#include "kernel/options_time.h"

#include <string.h>

#include "kernel/date.h"

#define DATE_MAX 32u            /* "2006-06-17T16:01:21", and some to spare */

/* Is the word at `v`, of `n` bytes, `text`? */
static bool is(const char *v, size_t n, const char *text)
{
    return strlen(text) == n && !memcmp(v, text, n);
}

static const char *parse_base(struct options *o, const char *v, size_t n)
{
    char date[DATE_MAX];

    if (is(v, n, "utc")) {
        o->rtc_base = RTC_UTC;
        return NULL;
    }
    if (is(v, n, "localtime")) {
        o->rtc_base = RTC_LOCALTIME;
        return NULL;
    }
    o->rtc_base = RTC_DATE;
    o->rtc_date = -1;
    if (n < sizeof date) {
        memcpy(date, v, n);
        date[n] = 0;
        o->rtc_date = date_parse(date);
    }
    return o->rtc_date >= 0 ? NULL : "use base=utc, base=localtime or "
                                     "base=2006-06-17T16:01:21";
}

static const char *parse_clock(struct options *o, const char *v, size_t n)
{
    o->rtc_vm = is(v, n, "vm");
    return o->rtc_vm || is(v, n, "host") ? NULL
                                         : "use clock=host or clock=vm";
}

static const char *parse_driftfix(struct options *o, const char *v, size_t n)
{
    o->rtc_slew = is(v, n, "slew");
    return o->rtc_slew || is(v, n, "none") ? NULL : "use driftfix=none or "
                                                    "driftfix=slew";
}

static const struct {
    const char *word;
    const char *(*parse)(struct options *o, const char *v, size_t n);
} rtc_words[] = {
    { "base=", parse_base }, { "clock=", parse_clock },
    { "driftfix=", parse_driftfix },
};

bool options_parse_rtc(struct options *o, const char *value, const char **what)
{
    unsigned seen = 0;

    do {
        size_t n = strcspn(value, ","), i = 0, skip = 0;

        for (; i < sizeof rtc_words / sizeof *rtc_words; i++) {
            skip = strlen(rtc_words[i].word);
            if (!strncmp(value, rtc_words[i].word, skip))
                break;
        }
        *what = i == sizeof rtc_words / sizeof *rtc_words
                    ? "use base=utc, clock=host, driftfix=none or some of them"
                : seen & 1u << i ? "a word is there twice"
                                 : rtc_words[i].parse(o, value + skip,
                                                      n - skip);
        if (*what)
            return false;
        seen |= 1u << i;
        value += n;
    } while (*value++);
    return true;
}

bool options_parse_global(struct options *o, const char *value,
                          const char **what)
{
    static const struct {
        const char *text;
        bool rtc, on;
    } known[] = {
        { "kvm-pit.lost_tick_policy=delay", false, false },
        { "kvm-pit.lost_tick_policy=discard", false, true },
        { "mc146818rtc.lost_tick_policy=discard", true, false },
        { "mc146818rtc.lost_tick_policy=slew", true, true },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(value, known[i].text)) {
            *(known[i].rtc ? &o->rtc_slew : &o->lose_ticks) = known[i].on;
            return true;
        }
    *what = "use kvm-pit.lost_tick_policy=delay or =discard, or "
            "mc146818rtc.lost_tick_policy=discard or =slew";
    return false;
}
