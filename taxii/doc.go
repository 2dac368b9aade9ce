// Package taxii serves collections of threat intelligence over TAXII 2.1, the OASIS Standard of 10 June 2021
// (https://docs.oasis-open.org/cti/taxii/v2.1/os/taxii-v2.1-os.html). Section numbers in this package are those of that
// document.
//
// [Handler] is the server side. It reads from a [Store], a small interface over whatever keeps the objects, and writes to
// one that is a [Writer] too; [MemoryStore] is both, and the package taxiitest checks others. The handler knows nothing of
// STIX beyond the header of a [Record]: objects are taken in and served byte for byte. [Client] is the other side.
//
// # What is served
//
//	GET /taxii2/                                           discovery             4.1
//	GET {api-root}/                                        API root              4.2
//	GET {api-root}/status/{id}/                            what became of a POST 4.3
//	GET {api-root}/collections/                            collections           5.1
//	GET {api-root}/collections/{id}/                       collection            5.2
//	GET {api-root}/collections/{id}/manifest/              manifest              5.3
//	GET {api-root}/collections/{id}/objects/               envelope of objects   5.4
//	POST {api-root}/collections/{id}/objects/              202 and a status      5.5
//	GET {api-root}/collections/{id}/objects/{object}/      envelope of versions  5.6
//	GET {api-root}/collections/{id}/objects/{object}/versions/                   5.8
//	DELETE {api-root}/collections/{id}/objects/{object}/   all, or match[version] 5.7
//
// HEAD works wherever GET does, and what GET answers has an ETag. A collection that a caller may neither read nor write
// does not exist for that caller; what may be done otherwise is 403. Every refusal is an error resource (3.6.1) with a
// stable error_code: bad-parameter, bad-envelope, bad-body, unauthenticated, forbidden, cross-origin, read-only, write-only,
// not-found, method-not-allowed, not-acceptable, too-large, unsupported-media-type, unsupported-encoding, busy, interrupted, internal.
//
// # Adding and deleting
//
// The body of a POST is read whole, within max_content_length before and after decompression, and taken apart before
// anything is stored: an envelope that breaks off is 400 and leaves nothing behind. Then each object has its own result
// in the status, and a bad one stops no other. The answer waits [Options.PostWait] for the store and is pending after
// that. A status is its caller's alone, kept in memory for a day at most, and lost with a restart; sending objects again
// does no harm. Another content under an id and version that are there is kept beside the first, as a version named by
// when it was added, and the status says so.
//
// A DELETE takes what it names out of every answer at once, also of runs of pages under way. TAXII has no word for what
// is gone, so deletions travel by the manifest: who holds copies compares, as [Client.Gone] does.
//
// # Filters (3.4)
//
// added_after, limit, next, match[id], match[type], match[spec_version] and match[version] are understood where the
// standard has them. Where it leaves a choice, this package decides:
//
//   - A parameter given twice is refused; unknown parameters and match fields are ignored.
//   - Without match[spec_version], only the records of the highest specification version that the collection has of an
//     object are considered; with it, only records of those versions. The first and the last version are chosen among
//     what is considered, by modified (or created), not by when it was added. Neither depends on added_after, so a
//     client that polls with added_after is never given an old version because it arrived late.
//   - A version given as a timestamp matches the instant: 10:00:00Z and 10:00:00.000Z are one version.
//
// # Paging (3.3, 3.5, 3.7)
//
// Records come in the order in which they were added. The first page fixes the newest record as the upper end of the
// whole run; what is added while a client pages is no part of it, and comes with the next request that gives the last
// X-TAXII-Date-Added-Last as added_after. So each object that was there at the start is seen exactly once, whoever
// writes meanwhile, and paging ends. A next value holds its position itself, authenticated under [Options.NextKey] and
// bound to root, collection, endpoint, filter and caller. It can be used again, gives the same page again (with another
// limit: a page that starts at the same place), and outlives a restart.
//
// A page ends at limit, or at [Options.MaxLimit] objects, or at [Options.MaxPageBytes]. A client gives the filter of
// its first request again with every next value, as section 3.5 has it; limit may change. added_after may be left out then:
// the position implies it. A later one than the run had begins a new run behind that position, for clients that keep the
// next value of the last run; any other is refused.
//
// A filter that few records match is answered by reading on until the page is full or the collection ends, unless the
// store uses the hints of [Query]. Bound the time with the deadlines of the [net/http.Server] or the request's context.
package taxii
