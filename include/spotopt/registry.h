/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_REGISTRY_H
#define SPOTOPT_REGISTRY_H
#include "spotopt/evaluation.h"
#include "spotopt/model.h"

/**
 * @file registry.h
 * @brief The life of models: uploaded, shadow, canary, current, retired; kept as rows of a ledger.
 *
 * A registry is what the rows tell. A change makes a row and leaves the registry as it is: the caller appends the row
 * to the ledger (nothing in it is ever rewritten) and reads the ledger anew.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** Where a model is in its life. */
enum {
    SPOTOPT_MODEL_UPLOADED = 1, /**< known, not judged yet */
    SPOTOPT_MODEL_SHADOW = 2,   /**< passed the gate once: to be scored beside the current one, without effect */
    SPOTOPT_MODEL_CANARY = 3,   /**< passed it again: may decide for a few */
    SPOTOPT_MODEL_CURRENT = 4,  /**< decides; at most one is */
    SPOTOPT_MODEL_RETIRED = 5   /**< decides no more; one that was current may be set so again */
};

/** Models and their states. Threads: read by any number. @since 0.1 */
typedef struct spotopt_registry spotopt_registry;

/**
 * Read the rows of type "model" of an Events file (JSON lines); others are skipped unread.
 * @param name  the ledger's, for messages; NULL for "ledger"
 * @retval SPOTOPT_E_INPUT  a row is bad, or tells of a change that cannot be; the message names the line
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_registry_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                       spotopt_registry **out, spotopt_error *err);
/** Give back a registry, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_registry_free(spotopt_registry *registry);
/** The number of models, retired ones too. @since 0.1 */
SPOTOPT_API size_t spotopt_registry_count(const spotopt_registry *registry);
/** The index of a model by its id, or of the current model where id is NULL; SIZE_MAX: there is none. @since 0.1 */
SPOTOPT_API size_t spotopt_registry_find(const spotopt_registry *registry, const char *id);

/** A model of the registry. Texts belong to the registry. */
typedef struct spotopt_registry_entry {
    size_t size;          /**< set by SPOTOPT_REGISTRY_ENTRY_INIT */
    const char *id;       /**< the model's */
    const char *author;   /**< of the last change */
    const char *reason;   /**< of the last change */
    int64_t uploaded_ms;  /**< UTC */
    int64_t changed_ms;   /**< UTC, of the last change */
    int32_t state;        /**< SPOTOPT_MODEL_... */
    int32_t was_current;  /**< 1: it is or was the current one */
    const char *document; /**< the Model document */
    size_t document_length; /**< bytes of it */
} spotopt_registry_entry;

/** The defaults of a struct, its size set: `= SPOTOPT_REGISTRY_ENTRY_INIT`. */
#define SPOTOPT_REGISTRY_ENTRY_INIT { sizeof(spotopt_registry_entry), NULL, NULL, NULL, 0, 0, 0, 0, NULL, 0 }

/** A model by index, in order of upload. @retval SPOTOPT_E_ARGUMENT the index is off @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_registry_at(const spotopt_registry *registry, size_t index, spotopt_registry_entry *out, spotopt_error *err);
/** Write the ModelRegistry document; give back with spotopt_text_free(). @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_registry_write(const spotopt_registry *registry, char **out_text, size_t *out_length, spotopt_error *err);

/** Who changes what, when and why. Texts are copied. */
typedef struct spotopt_registry_change {
    size_t size;        /**< set by SPOTOPT_REGISTRY_CHANGE_INIT */
    const char *id;     /**< of the model; an upload takes it from the document where NULL */
    const char *author; /**< NULL or "": not said */
    const char *reason; /**< NULL or "": not said */
    int64_t time_ms;    /**< UTC, >= 0 */
} spotopt_registry_change;

/** The defaults of a struct, its size set: `= SPOTOPT_REGISTRY_CHANGE_INIT`. */
#define SPOTOPT_REGISTRY_CHANGE_INIT { sizeof(spotopt_registry_change), NULL, NULL, NULL, 0 }

/**
 * The row of a new model.
 * @param document  a Model document, checked here
 * @param out_row   one line with its line feed; give back with spotopt_text_free()
 * @retval SPOTOPT_E_INPUT  the document is bad
 * @retval SPOTOPT_E_STATE  there is a model of that id; an id is never used twice
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_registry_upload(const spotopt_registry *registry, const char *document, size_t length,
                        const spotopt_registry_change *change, char **out_row, size_t *out_length, spotopt_error *err);
/**
 * The row with which a model goes from uploaded to shadow, or from shadow to canary. It must pass the gate of
 * spotopt_evaluation_gate() against the current model or, where none is current, against layers 1-2 ("evidence").
 * @param evaluation  holds forecasts of both, under these names
 * @retval SPOTOPT_E_STATE  refused; the message says which condition failed and by how much
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_registry_graduate(const spotopt_registry *registry, const spotopt_evaluation *evaluation,
                          const spotopt_registry_change *change, char **out_row, size_t *out_length,
                          spotopt_error *err);
/**
 * The row with which a canary becomes the current model, or one that once was is set so again. It retires the one
 * that was current.
 * @retval SPOTOPT_E_STATE  refused: the model is neither
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_registry_set_current(const spotopt_registry *registry, const spotopt_registry_change *change, char **out_row,
                             size_t *out_length, spotopt_error *err);
/** The row with which a model is retired. @retval SPOTOPT_E_STATE it is already @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_registry_retire(const spotopt_registry *registry, const spotopt_registry_change *change, char **out_row,
                        size_t *out_length, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_REGISTRY_H */
