// Has a named language model go on with a prompt: generate NAME OPTIONS PROMPT
package main

import (
	"fmt"
	"log"
	"os"

	"wild/nn"
)

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: generate NAME OPTIONS PROMPT")
		os.Exit(2)
	}
	graph := must(nn.LoadByName(os.Args[1]))
	context := must(nn.InitExecutionContext(graph))
	for place, text := range os.Args[2:] {
		index := uint32(1 - place)
		check(nn.SetInput(context, index, nn.U8, []uint32{uint32(len(text))}, []byte(text)))
	}
	check(nn.Compute(context))
	output := make([]byte, 4096)
	size := must(nn.GetOutput(context, 0, output))
	fmt.Println(string(output[:size]))
	check(nn.Unload(graph))
}
