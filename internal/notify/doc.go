// Package notify tells a duty officer what needs a person: over a webhook, by mail, or with a
// command. What is told, to whom and when is a machine of its own ([Book]): it reads no clock and does
// no I/O, and its state is one JSON document that the caller keeps on disk. The channels do the sending.
//
// Each notice goes over each channel once. "Once" is at least once: where the process ends between a
// message that was taken and the note that it was, the message is sent again with the same key, by
// which the receiver tells that it has it.
package notify
