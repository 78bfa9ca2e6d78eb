//! Says which digit each image shows: classify FOLDER IMAGE...
//!
//! FOLDER has an OpenVINO model, which takes 64 brightnesses as f32 (0 to 1).

const std = @import("std");

const allocator = std.heap.page_allocator;

fn List(comptime T: type) type {
    return extern struct { data: [*]const T, len: usize };
}

const Named = extern struct { name: List(u8), tensor: i32 };
const Made = extern struct { failed: u8, handle: i32 };
const Computed = extern struct { failed: u8, outputs: List(Named) };

const openvino: i32 = 0;
const cpu: i32 = 0;
const fp32: i32 = 1;

extern "wasi:nn/tensor@0.2.0-rc-2024-10-28" fn @"[constructor]tensor"([*]const u32, usize, i32, [*]const f32, usize) i32;
extern "wasi:nn/tensor@0.2.0-rc-2024-10-28" fn @"[method]tensor.data"(i32, *List(u8)) void;
extern "wasi:nn/tensor@0.2.0-rc-2024-10-28" fn @"[resource-drop]tensor"(i32) void;
extern "wasi:nn/graph@0.2.0-rc-2024-10-28" fn load([*]const List(u8), usize, i32, i32, *Made) void;
extern "wasi:nn/graph@0.2.0-rc-2024-10-28" fn @"[method]graph.init-execution-context"(i32, *Made) void;
extern "wasi:nn/inference@0.2.0-rc-2024-10-28" fn @"[method]graph-execution-context.compute"(i32, *const Named, usize, *Computed) void;

export fn cabi_realloc(old: [*]u8, old_size: usize, alignment: usize, new_size: usize) ?[*]u8 {
    if (new_size == 0) return @ptrFromInt(alignment);
    const data = allocator.alignedAlloc(u8, .of(u64), new_size) catch @trap();
    @memcpy(data[0..old_size], old[0..old_size]);
    return data.ptr;
}

fn read(io: std.Io, folder: []const u8, name: []const u8) !List(u8) {
    const path = try std.fs.path.join(allocator, &.{ folder, name });
    const data = try std.Io.Dir.cwd().readFileAlloc(io, path, allocator, .unlimited);
    return .{ .data = data.ptr, .len = data.len };
}

fn classify(context: i32, image: List(u8)) ![10]f32 {
    var pixels: [64]f32 = undefined;
    for (image.data[0..64], &pixels) |byte, *pixel| pixel.* = @as(f32, @floatFromInt(byte)) / 16;
    const tensor = @"[constructor]tensor"(&.{ 1, 64 }, 2, fp32, &pixels, @sizeOf(@TypeOf(pixels)));
    const input: Named = .{ .name = .{ .data = "pixels", .len = 6 }, .tensor = tensor };
    var computed: Computed = undefined;
    @"[method]graph-execution-context.compute"(context, &input, 1, &computed);
    if (computed.failed != 0) return error.NeuralNetwork;
    const output = computed.outputs.data[0].tensor;
    var data: List(u8) = undefined;
    @"[method]tensor.data"(output, &data);
    @"[resource-drop]tensor"(output);
    var result: [10]f32 = undefined;
    if (data.len != @sizeOf(@TypeOf(result))) return error.NeuralNetwork;
    @memcpy(std.mem.asBytes(&result), data.data[0..data.len]);
    return result;
}

pub fn main(init: std.process.Init) !void {
    const args = try init.minimal.args.toSlice(init.arena.allocator());
    var buffer: [256]u8 = undefined;
    var stdout = std.Io.File.stdout().writer(init.io, &buffer);
    const parts = [_]List(u8){ try read(init.io, args[1], "model.xml"), try read(init.io, args[1], "model.bin") };
    var made: Made = undefined;
    load(&parts, parts.len, openvino, cpu, &made);
    if (made.failed != 0) return error.NeuralNetwork;
    @"[method]graph.init-execution-context"(made.handle, &made);
    if (made.failed != 0) return error.NeuralNetwork;
    const context = made.handle;
    for (args[2..]) |path| {
        const output = try classify(context, try read(init.io, ".", path));
        const best = std.mem.findMax(f32, &output);
        const share: u32 = @trunc(1000 * output[best]);
        try stdout.interface.print("{s}: {d} ({d})\n", .{ path, best, share });
    }
    try stdout.interface.flush();
}
