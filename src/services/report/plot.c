/* See plot.h. */
#include "services/report/plot.h"

#define MARGIN_LEFT 52.0
#define MARGIN_RIGHT 20.0
#define MARGIN_TOP 10.0
#define MARGIN_BOTTOM 40.0

double tt_plot_x(const struct tt_plot *plot, double x)
{
    return plot->left + x * plot->width;
}

double tt_plot_y(const struct tt_plot *plot, double y)
{
    return plot->top + (1.0 - y) * plot->height;
}

struct tt_plot tt_plot_begin(struct tt_buf *buf, double width, double height, const char *label)
{
    tt_buf_append_format(buf, "<svg viewBox=\"0 0 %.0f %.0f\" role=img aria-label=\"%s\">\n", width,
                         height, label);
    return (struct tt_plot){.buf = buf,
                            .left = MARGIN_LEFT,
                            .top = MARGIN_TOP,
                            .width = width - MARGIN_LEFT - MARGIN_RIGHT,
                            .height = height - MARGIN_TOP - MARGIN_BOTTOM};
}

void tt_plot_end(const struct tt_plot *plot)
{
    double y = tt_plot_y(plot, 0.0);
    tt_buf_append_format(plot->buf, "<path class=x d=\"M%.1f %.1fH%.1f\"/>\n</svg>\n", plot->left,
                         y, plot->left + plot->width);
}

void tt_plot_tick_y(const struct tt_plot *plot, double y, const char *text)
{
    double at = tt_plot_y(plot, y);
    tt_buf_append_format(plot->buf,
                         "<path class=g d=\"M%.1f %.1fh%.1f\"/><text x=%.1f y=%.1f "
                         "text-anchor=end>%s</text>\n",
                         plot->left, at, plot->width, plot->left - 8.0, at + 4.0, text);
}

void tt_plot_tick_x(const struct tt_plot *plot, double x, const char *text)
{
    tt_buf_append_format(plot->buf, "<text x=%.1f y=%.1f text-anchor=middle>%s</text>\n",
                         tt_plot_x(plot, x), plot->top + plot->height + 18.0, text);
}

void tt_plot_title_x(const struct tt_plot *plot, const char *text)
{
    tt_buf_append_format(plot->buf, "<text x=%.1f y=%.1f text-anchor=middle>%s</text>\n",
                         tt_plot_x(plot, 0.5), plot->top + plot->height + 35.0, text);
}

/* A bar from y to y + height (fractions); words: shown on hovering, may be NULL. */
void tt_plot_bar(const struct tt_plot *plot, const char *class, double x, double width, double y,
                 double height, const char *words)
{
    if (height <= 0.0) {
        return;
    }
    tt_buf_append_format(plot->buf, "<rect class=%s x=%.2f y=%.2f width=%.2f height=%.2f rx=1>",
                         class, tt_plot_x(plot, x), tt_plot_y(plot, y + height),
                         width * plot->width, height * plot->height);
    tt_buf_append_format(plot->buf, "<title>%s</title></rect>\n", words);
}

/* A step of 1, 2 or 5 times a power of ten, so that at most `ticks` of them reach max. */
double tt_plot_step(double max, double ticks)
{
    static const double factors[] = {1.0, 2.0, 5.0};
    for (double power = 1.0; power < 1e18; power *= 10.0) {
        for (size_t i = 0; i < TT_ARRAY_SIZE(factors); i++) {
            if (max <= ticks * factors[i] * power) {
                return factors[i] * power;
            }
        }
    }
    return max;
}
