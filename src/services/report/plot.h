/*
 * A plot: a rectangle in a drawing whose scales run from 0 to 1, with axes and bars.
 *
 * What:    private to services/report; what the pictures of all reports are made of.
 * Owner:   the buffer is the caller's; failures are remembered in it.
 * Threads: pure functions.
 */
#ifndef TT_SERVICES_REPORT_PLOT_H
#define TT_SERVICES_REPORT_PLOT_H

#include "services/report/parts.h"

struct tt_plot {
    struct tt_buf *buf;
    double left, top, width, height; /* of the inner rectangle */
};

/* Where a fraction stands in the drawing. */
double tt_plot_x(const struct tt_plot *plot, double x);
double tt_plot_y(const struct tt_plot *plot, double y);
struct tt_plot tt_plot_begin(struct tt_buf *buf, double width, double height, const char *label);
void tt_plot_end(const struct tt_plot *plot);
void tt_plot_tick_y(const struct tt_plot *plot, double y, const char *text);
void tt_plot_tick_x(const struct tt_plot *plot, double x, const char *text);
void tt_plot_title_x(const struct tt_plot *plot, const char *text);
/* A bar from y to y + height (fractions); words: shown on hovering. */
void tt_plot_bar(const struct tt_plot *plot, const char *class, double x, double width, double y,
                 double height, const char *words);
/* A step of 1, 2 or 5 times a power of ten, so that at most `ticks` of them reach max. */
double tt_plot_step(double max, double ticks);

#endif
