// Package nn has wasi-nn's functions as Go's programs import them. Go's own pointers have 64 bits,
// so that structures hold the addresses as numbers.
package nn

import (
	"fmt"
	"runtime"
	"unsafe"
)

type TensorType uint8

const (
	F32 TensorType = 1
	U8  TensorType = 3
	I32 TensorType = 4
)

const (
	OpenVINO uint32 = 0
	CPU      uint32 = 0
)

type builder struct{ data, size uint32 }

type tensor struct {
	dimensions, dimensionsLen uint32
	tensorType                TensorType
	data, dataLen             uint32
}

//go:wasmimport wasi_ephemeral_nn load
//go:noescape
func load(builders unsafe.Pointer, count, encoding, target uint32, graph unsafe.Pointer) uint32

//go:wasmimport wasi_ephemeral_nn load_by_name
//go:noescape
func loadByName(name string, graph unsafe.Pointer) uint32

//go:wasmimport wasi_ephemeral_nn init_execution_context
//go:noescape
func initExecutionContext(graph uint32, context unsafe.Pointer) uint32

//go:wasmimport wasi_ephemeral_nn set_input
//go:noescape
func setInput(context, index uint32, tensor unsafe.Pointer) uint32

//go:wasmimport wasi_ephemeral_nn compute
func compute(context uint32) uint32

//go:wasmimport wasi_ephemeral_nn get_output
//go:noescape
func getOutput(context, index uint32, buffer unsafe.Pointer, size uint32, written unsafe.Pointer) uint32

//go:wasmimport wasi_ephemeral_nn unload
func unload(graph uint32) uint32

// Errno is what a function of wasi-nn returns where it fails.
type Errno struct {
	Call string
	Code uint32
}

func (e Errno) Error() string { return fmt.Sprintf("%s: %d", e.Call, e.Code) }

func errno(call string, code uint32) error {
	if code == 0 {
		return nil
	}
	return Errno{call, code}
}

func address[T any](data []T) uint32 {
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(data))))
}

func Load(parts [][]byte, encoding, target uint32) (graph uint32, err error) {
	var builders []builder
	for _, part := range parts {
		builders = append(builders, builder{address(part), uint32(len(part))})
	}
	code := load(unsafe.Pointer(&builders[0]), uint32(len(builders)), encoding, target, unsafe.Pointer(&graph))
	runtime.KeepAlive(parts)
	return graph, errno("load", code)
}

func LoadByName(name string) (graph uint32, err error) {
	return graph, errno("load_by_name", loadByName(name, unsafe.Pointer(&graph)))
}

func InitExecutionContext(graph uint32) (context uint32, err error) {
	return context, errno("init_execution_context", initExecutionContext(graph, unsafe.Pointer(&context)))
}

func SetInput[T any](context, index uint32, kind TensorType, dimensions []uint32, data []T) error {
	size := uint32(len(data)) * uint32(unsafe.Sizeof(data[0]))
	input := tensor{address(dimensions), uint32(len(dimensions)), kind, address(data), size}
	code := setInput(context, index, unsafe.Pointer(&input))
	runtime.KeepAlive(dimensions)
	runtime.KeepAlive(data)
	return errno("set_input", code)
}

func Compute(context uint32) error { return errno("compute", compute(context)) }

func GetOutput[T any](context, index uint32, buffer []T) (size uint32, err error) {
	room := uint32(len(buffer)) * uint32(unsafe.Sizeof(buffer[0]))
	code := getOutput(context, index, unsafe.Pointer(&buffer[0]), room, unsafe.Pointer(&size))
	return size, errno("get_output", code)
}

func Unload(graph uint32) error { return errno("unload", unload(graph)) }
