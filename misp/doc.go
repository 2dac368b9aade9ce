// Package misp reads and writes the formats of MISP, and takes events to STIX 2.1
// and STIX to events without loss.
//
// # Events
//
// A [Reader] takes events in the MISP core format from a stream: whole
// ([Reader.Events]), or piece by piece with the memory of the largest piece
// ([Reader.Elements]). [Parse] reads one event from bytes. Event, Attribute, Object,
// Tag and the other types are views of a [Members], a JSON object that keeps every
// member, known or not, in its order and with its very text; only what is changed is
// written otherwise than it was read. [Validate] lists what an event lacks of the
// format; reading demands no more than JSON with unique names in Unicode.
//
// # STIX
//
// [ToSTIX] makes a bundle of an event, [FromSTIX] events of objects. The conventions
// are those of MISP's own converter, misp-stix, where STIX leaves a choice, so that
// others understand the result. What becomes what:
//
//	MISP                               STIX 2.1
//	event                              report if it is published, else grouping, of the same UUID
//	Orgc                               identity of the same UUID
//	attribute                          observed-data with observables
//	  with to_ids                      indicator too, and a relationship based-on
//	  yara, sigma, snort, suricata,
//	  bro, zeek with to_ids            indicator in that language
//	  vulnerability                    vulnerability
//	  campaign-name, threat-actor      campaign, threat-actor
//	  a type STIX has nothing for      x-misp-attribute, a custom object
//	object of a known template         observed-data with observables, and an indicator
//	  vulnerability                    vulnerability
//	  another                          x-misp-object, and an indicator for each attribute for detection
//	object reference                   relationship
//	sighting                           sighting; opinion strongly-disagree for a false positive;
//	                                   the end of validity for an expiration
//	galaxy cluster                     attack-pattern, malware, tool, intrusion-set, threat-actor, …
//	                                   or x-misp-galaxy-cluster
//	event report                       note
//	tag tlp:…                          object_marking_refs: TLP 1 or 2.0
//	tag PAP:…                          object_marking_refs and labels
//	other tags                         labels
//	deleted                            revoked
//	first_seen, last_seen              first_observed and last_observed; the first valid_from
//	data                               artifact
//
// docs/misp-mapping.md has every attribute type and object template.
//
// Nothing is lost. The object that stands for an event, attribute, object or report
// keeps its text in an extension ([ExtensionID]); FromSTIX takes the text back if the
// object was not changed since, and only if ToSTIX makes of it what the objects show,
// so that nobody can show one thing in STIX and give another in MISP. [Difference]
// says what it is for two events to be the same.
//
// STIX that does not come from MISP becomes one event that has what MISP can say of it,
// and the objects themselves in the attachment of a MISP object
// original-imported-file. ToSTIX gives them back byte for byte. If the event was
// changed since, it says so beside them and leaves them as they are.
//
// Markings are never weakened: what has none of its own gets those of its event,
// observables included.
//
// # Feeds and warning lists
//
// [WriteFeed] writes a feed (manifest.json, hashes.csv and a file for each event) that a
// MISP instance can pull from any web server, [Feed] reads one from a folder or by any
// means of fetching, under bounds and checked against its manifest.
// [ReadWarninglist] reads a warning list, and [Warninglist.Compile] makes a
// [Matcher] of it.
//
// # Bounds and purity
//
// Every size, count and depth that foreign bytes can state is bounded ([Limits],
// [FeedLimits], [ListLimits]). The package performs no input or output beyond the
// readers, writers and functions that it is given, and reads neither the clock nor any
// source of randomness: the same event gives the same bundle to the byte. Times and
// UUIDs of new events are arguments.
package misp
