// Package pattern reads the STIX patterning language (STIX 2.1 §9).
package pattern
