// A reactor, whose functions are called after _initialize. It reads the model of the folder f32
// when wizer initializes it, or else when it is needed. The arguments that Go knows are those of
// _initialize, so that the digits to look at are a parameter: all up to one.
package main

import (
	"strconv"

	"wild/digits"
)

var parts [][]byte

//go:wasmexport wizer-initialize
func initialize() { parts = digits.Read("f32") }

//go:wasmexport classify
func classify(last int32) {
	if parts == nil {
		initialize()
	}
	var paths []string
	for digit := int32(0); digit <= last; digit++ {
		paths = append(paths, strconv.Itoa(int(digit)))
	}
	digits.Classify(parts, "f32", paths)
}

func main() {}
