// Says which digit each image shows: classify TYPE FOLDER IMAGE...
package main

import (
	"fmt"
	"log"
	"os"

	"wild/digits"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: classify TYPE FOLDER IMAGE...")
		os.Exit(2)
	}
	digits.Classify(digits.Read(os.Args[2]), os.Args[1], os.Args[3:])
}
