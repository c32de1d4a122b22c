/* See bundles.h. */
#include "services/pipeline/bundles.h"

#include <string.h>

void tt_bundles_init(struct tt_bundles *bundles, struct tt_bundle *first)
{
    memset(bundles, 0, sizeof *bundles);
    pthread_mutex_init(&bundles->lock, NULL);
    bundles->ring[first->epoch % TT_BUNDLES_MAX] = first;
    bundles->epoch = first->epoch;
}

void tt_bundles_deinit(struct tt_bundles *bundles)
{
    for (unsigned i = 0; i < TT_BUNDLES_MAX; i++) {
        tt_bundle_unref(bundles->ring[i]);
    }
    pthread_mutex_destroy(&bundles->lock);
}

void tt_bundles_publish(struct tt_bundles *bundles, struct tt_bundle *bundle)
{
    pthread_mutex_lock(&bundles->lock);
    TT_ASSERT(bundle->epoch > bundles->epoch);
    struct tt_bundle **slot = &bundles->ring[bundle->epoch % TT_BUNDLES_MAX];
    tt_bundle_unref(*slot);
    *slot = bundle;
    __atomic_store_n(&bundles->epoch, bundle->epoch, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&bundles->lock);
}

void tt_bundles_restart(struct tt_bundles *bundles, struct tt_bundle *bundle)
{
    pthread_mutex_lock(&bundles->lock);
    TT_ASSERT(bundle->epoch == bundles->epoch);
    struct tt_bundle **slot = &bundles->ring[bundle->epoch % TT_BUNDLES_MAX];
    tt_bundle_unref(*slot);
    *slot = bundle;
    pthread_mutex_unlock(&bundles->lock);
}

uint32_t tt_bundles_epoch(struct tt_bundles *bundles)
{
    return __atomic_load_n(&bundles->epoch, __ATOMIC_ACQUIRE);
}

struct tt_bundle *tt_bundles_current(struct tt_bundles *bundles)
{
    pthread_mutex_lock(&bundles->lock);
    struct tt_bundle *bundle = tt_bundle_ref(bundles->ring[bundles->epoch % TT_BUNDLES_MAX]);
    pthread_mutex_unlock(&bundles->lock);
    return bundle;
}

struct tt_bundle *tt_bundles_find(struct tt_bundles *bundles, uint32_t epoch)
{
    pthread_mutex_lock(&bundles->lock);
    struct tt_bundle *bundle = bundles->ring[epoch % TT_BUNDLES_MAX];
    TT_ASSERT(bundle != NULL && bundle->epoch == epoch);
    (void)tt_bundle_ref(bundle);
    pthread_mutex_unlock(&bundles->lock);
    return bundle;
}

void tt_bundle_view_init(struct tt_bundle_view *view, struct tt_bundles *bundles)
{
    *view = (struct tt_bundle_view){.bundles = bundles};
}

void tt_bundle_view_deinit(struct tt_bundle_view *view)
{
    tt_bundle_unref(view->bundle);
    view->bundle = NULL;
}

const struct tt_bundle *tt_bundle_view_get(struct tt_bundle_view *view, uint32_t epoch)
{
    if (view->bundle == NULL || view->bundle->epoch != epoch) {
        tt_bundle_unref(view->bundle);
        view->bundle = tt_bundles_find(view->bundles, epoch);
    }
    return view->bundle;
}
