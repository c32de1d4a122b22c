/*
 * The names of the topics between the services (DELIVERY §2).
 *
 * Threads: constants.
 */
#ifndef TT_SERVICES_PIPELINE_TOPICS_H
#define TT_SERVICES_PIPELINE_TOPICS_H

/* The log: transactions, labels and epoch marks in their final order; keyed by user. */
#define TT_TOPIC_TRANSACTIONS "transactions"
/* "transactions.<entity>": the same with the vector so far, keyed by that entity. */
#define TT_TOPIC_TRANSACTIONS_OF "transactions."
#define TT_TOPIC_FEATURES "features"
#define TT_TOPIC_DETECTIONS "detections"
#define TT_TOPIC_DECISIONS "decisions"
#define TT_TOPIC_ANOMALIES "anomalies"
/* Refused records on their way to the dead letters. */
#define TT_TOPIC_REJECTS "transactions.dlq"

#endif
