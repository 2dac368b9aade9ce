//go:build !unix

package unit_test

import "testing"

func perTurn(*testing.B) func() { return func() {} }
