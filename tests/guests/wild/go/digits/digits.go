// Package digits says which digit an image shows.
package digits

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"wild/nn"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func setInput(context uint32, kind string, image []byte) error {
	dimensions := []uint32{1, uint32(len(image))}
	switch kind {
	case "u8":
		return nn.SetInput(context, 0, nn.U8, dimensions, image)
	case "i32":
		var pixels []int32
		for _, pixel := range image {
			pixels = append(pixels, int32(pixel))
		}
		return nn.SetInput(context, 0, nn.I32, dimensions, pixels)
	default:
		var pixels []float32
		for _, pixel := range image {
			pixels = append(pixels, float32(pixel)/16)
		}
		return nn.SetInput(context, 0, nn.F32, dimensions, pixels)
	}
}

// Read reads the two files of an OpenVINO model.
func Read(folder string) (parts [][]byte) {
	for _, name := range []string{"model.xml", "model.bin"} {
		parts = append(parts, must(os.ReadFile(filepath.Join(folder, name))))
	}
	return parts
}

// Classify prints the digit of each image. The model takes 64 brightnesses as f32 (0 to 1), u8 or
// i32 (0 to 16).
func Classify(parts [][]byte, kind string, paths []string) {
	context := must(nn.InitExecutionContext(must(nn.Load(parts, nn.OpenVINO, nn.CPU))))
	for _, path := range paths {
		if err := setInput(context, kind, must(os.ReadFile(path))); err != nil {
			log.Fatal(err)
		}
		if err := nn.Compute(context); err != nil {
			log.Fatal(err)
		}
		output := make([]float32, 10)
		if size := must(nn.GetOutput(context, 0, output)); size != 40 {
			panic(size)
		}
		best := 0
		for digit, score := range output {
			if score > output[best] {
				best = digit
			}
		}
		fmt.Printf("%s: %d (%d)\n", path, best, int(1000*output[best]))
	}
}
