/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLEANUP_H
#define SPOTOPT_CLEANUP_H
#include "spotopt/ledger.h"

/**
 * @file cleanup.h
 * @brief What nobody accounts for: instances without a cluster or owner; volumes, snapshots and images without use.
 *
 * found -> flagged -> approved -> applying -> applied or not_applied; dismissed ends it early. The steps are rows of
 * type "cleanup" in the ledger. The library acts on nothing: spotopt_cleanup_apply() has the host do it, and an item is
 * handed out once at most, whatever is cut off, cancelled or run again.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** What an account has, with the fields that EC2 describes. Threads: read by any number. @since 0.1 */
typedef struct spotopt_inventory spotopt_inventory;

/** Read an Inventory document. @retval SPOTOPT_E_INPUT it is bad; the message names the place @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_inventory_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                        spotopt_inventory **out, spotopt_error *err);
/** Give back an inventory, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_inventory_free(spotopt_inventory *inventory);

/** What is looked for. */
enum {
    SPOTOPT_CLEANUP_GOVERNANCE = 1, /**< running instances that no cluster, owner tag or allow-list accounts for */
    SPOTOPT_CLEANUP_STORAGE = 2     /**< unattached volumes, snapshots and images that nothing refers to */
};
/** How far an item is. */
enum {
    SPOTOPT_CLEANUP_FOUND = 0,       /**< no row tells of it */
    SPOTOPT_CLEANUP_FLAGGED = 1,     /**< somebody is asked */
    SPOTOPT_CLEANUP_APPROVED = 2,    /**< somebody said yes */
    SPOTOPT_CLEANUP_APPLYING = 3,    /**< was handed out; if nothing follows, nobody knows how it ended: look */
    SPOTOPT_CLEANUP_APPLIED = 4,     /**< done */
    SPOTOPT_CLEANUP_NOT_APPLIED = 5, /**< the host tried and could not; not tried again */
    SPOTOPT_CLEANUP_DISMISSED = 6    /**< somebody said no */
};

/** How to look. */
typedef struct spotopt_cleanup_params {
    size_t size;              /**< set by SPOTOPT_CLEANUP_PARAMS_INIT */
    int64_t now_ms;           /**< UTC, >= 0 */
    double min_age_days;      /**< storage younger than this is left alone: 7 */
    const char *const *allow; /**< globs on ids, names and instance types that are accounted for; NULL: none */
    size_t allow_count;       /**< length of allow */
    const char *const *owner_tags; /**< keys of tags that name an owner; NULL: "owner", in any case of letters */
    size_t owner_tag_count;   /**< length of owner_tags */
    int32_t part;             /**< SPOTOPT_CLEANUP_GOVERNANCE or SPOTOPT_CLEANUP_STORAGE */
    int32_t reserved;         /**< 0 */
} spotopt_cleanup_params;

/** The defaults of a struct, its size set: `= SPOTOPT_CLEANUP_PARAMS_INIT`. */
#define SPOTOPT_CLEANUP_PARAMS_INIT { sizeof(spotopt_cleanup_params), 0, 7.0, NULL, 0, NULL, 0, SPOTOPT_CLEANUP_GOVERNANCE, 0 }

/** What was found, with its state. Threads: one at a time. @since 0.1 */
typedef struct spotopt_cleanup spotopt_cleanup;

/** One item. Texts belong to the clean-up. */
typedef struct spotopt_cleanup_item {
    size_t size;          /**< set by SPOTOPT_CLEANUP_ITEM_INIT */
    const char *id;       /**< such as "vol-1" */
    const char *what;     /**< "instance", "volume", "snapshot", "image" */
    const char *lost;     /**< what is lost when it goes */
    double usd_per_month; /**< NaN: unknown */
    int64_t first_seen_ms; /**< when it came to be, or was first flagged; -1: unknown */
    int32_t state;        /**< SPOTOPT_CLEANUP_FOUND ... */
    uint32_t evidence_count; /**< reasons, see spotopt_cleanup_evidence() */
} spotopt_cleanup_item;

/** The defaults of a struct, its size set: `= SPOTOPT_CLEANUP_ITEM_INIT`. */
#define SPOTOPT_CLEANUP_ITEM_INIT { .size = sizeof(spotopt_cleanup_item) }

/**
 * Look for what can go. Nothing is changed.
 * @param ledger  where earlier steps stand, and which instances clusters run; NULL: none
 * @retval SPOTOPT_E_ARGUMENT  params are off
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_cleanup_find(const spotopt_inventory *inventory, const spotopt_ledger *ledger,
                     const spotopt_cleanup_params *params, spotopt_cleanup **out, spotopt_error *err);
/** Give back a clean-up, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_cleanup_free(spotopt_cleanup *cleanup);
/** The number of items, dearest first. @since 0.1 */
SPOTOPT_API size_t spotopt_cleanup_count(const spotopt_cleanup *cleanup);
/** An item. @retval SPOTOPT_E_ARGUMENT the index is off @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_cleanup_at(const spotopt_cleanup *cleanup, size_t index, spotopt_cleanup_item *out, spotopt_error *err);
/** A reason why an item was found, or NULL past the last. @since 0.1 */
SPOTOPT_API const char *spotopt_cleanup_evidence(const spotopt_cleanup *cleanup, size_t index, uint32_t reason);
/** Write the CleanupReport document; give back with spotopt_text_free(). @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_cleanup_write(const spotopt_cleanup *cleanup, char **out_text, size_t *out_length, spotopt_error *err);

/**
 * The rows with which items are flagged, approved or dismissed, to be appended to the ledger; the clean-up goes along.
 * @param state   SPOTOPT_CLEANUP_FLAGGED (of found ones), _APPROVED (of flagged ones) or _DISMISSED (of either, or approved)
 * @param ids     which; NULL: all that can go there
 * @param author  who says so; needed
 * @retval SPOTOPT_E_STATE  an item named is not there, or cannot go there; nothing was changed
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_cleanup_step(spotopt_cleanup *cleanup, int32_t state, const char *const *ids, size_t id_count,
                     const char *author, const char *reason, int64_t time_ms, char **out_rows, size_t *out_length,
                     spotopt_error *err);

/** What the host does. Each returns 0 when it worked; user is handed through. */
typedef struct spotopt_cleanup_host {
    size_t size; /**< set by SPOTOPT_CLEANUP_HOST_INIT */
    /** Append a row to the ledger for good. An item is handed to act only once its row is kept. */
    int32_t (*record)(void *user, const char *row, size_t length);
    /** Terminate or delete the item. */
    int32_t (*act)(void *user, const spotopt_cleanup_item *item);
    /** Told before each item; anything but 0 cancels. NULL: nobody is asked. */
    int32_t (*progress)(void *user, size_t done, size_t total);
    void *user; /**< for all three */
} spotopt_cleanup_host;

/** The defaults of a struct, its size set: `= SPOTOPT_CLEANUP_HOST_INIT`. */
#define SPOTOPT_CLEANUP_HOST_INIT { sizeof(spotopt_cleanup_host), NULL, NULL, NULL, NULL }

/** What came of it. */
typedef struct spotopt_cleanup_result {
    size_t size;     /**< set by SPOTOPT_CLEANUP_RESULT_INIT */
    uint64_t total;  /**< approved items, as far as the batch allows */
    uint64_t applied; /**< the host did them; 0 in a dry run */
    uint64_t failed; /**< the host could not */
    int32_t was_cancelled; /**< 1: progress said so, or a row could not be kept */
    int32_t reserved; /**< 0 */
} spotopt_cleanup_result;

/** The defaults of a struct, its size set: `= SPOTOPT_CLEANUP_RESULT_INIT`. */
#define SPOTOPT_CLEANUP_RESULT_INIT { .size = sizeof(spotopt_cleanup_result) }

/**
 * Have the host act on approved items, one after the other. Before an item is handed out, its "applying" row is kept;
 * whoever finds that row without an end does not hand the item out again. Two hosts on one ledger must take turns.
 *
 * @param host    NULL: a dry run, which only counts
 * @param batch   items at most; 0: all
 * @param author  who applies; needed
 * @retval SPOTOPT_OK  also when it was cancelled or an item failed; out tells
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_cleanup_apply(spotopt_cleanup *cleanup, const spotopt_cleanup_host *host, size_t batch, const char *author,
                      int64_t time_ms, spotopt_cleanup_result *out, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_CLEANUP_H */
