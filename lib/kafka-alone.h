/* SPDX-License-Identifier: MIT */
/* kafka-alone.h - whether a group has members, beside which a fixed layout must not read. */
#ifndef KS_KAFKA_ALONE_H
#define KS_KAFKA_ALONE_H

#include "kafka.h"

/*
 * ks_kafka_alone - KS_CONFIG where the group has members, also such as are
 * stopped and will be forgotten after their session.timeout.ms.  0: it has
 * none, or there is no such group.  so: what is said of them, before "stop them".
 */
int	ks_kafka_alone(struct ks_kafka *k, const char *group, const char *so, struct ks_err *err) KS_MUST_USE;

#endif
