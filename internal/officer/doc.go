// Package officer is who works at this party's node: officers with their roles,
// credentials and sessions. It is about people of this party alone; partners never
// see more of them than the agency and role that an act is done under. Everything
// lies in two files of the node's folder, which one process at a time has open.
package officer
