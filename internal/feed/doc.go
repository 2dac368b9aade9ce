// Package feed writes what a node knows in the forms that sensors, resolvers and
// firewalls read: Suricata datasets and reputation lists, Zeek intelligence, response
// policy zones, Unbound, dnsmasq, hosts files, plain lists, CSV and Sigma.
//
// A feed is a head, blocks of entries, and nothing else: the text of a block depends
// on its entries alone, so a node keeps the text of blocks and writes anew only those
// in which something changed.
//
// What is written is safe for its reader: a value that a form cannot carry is left
// out and counted ([Format.Carries]), never bent, and nothing in a name or a note can
// end a line, a quote or a cell, or start a formula.
//
// The package is pure.
package feed
