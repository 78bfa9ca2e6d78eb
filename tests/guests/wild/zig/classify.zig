//! Says which digit each image shows: classify TYPE FOLDER IMAGE...
//!
//! FOLDER has an OpenVINO model, which takes 64 brightnesses as f32 (0 to 1), u8 or i32 (0 to 16).
//! The model of the folder f32 can be read before: by wizer, which calls wizer-initialize.

const std = @import("std");
const nn = @import("nn.zig");

const allocator = std.heap.page_allocator;

fn read(io: std.Io, folder: []const u8, name: []const u8) ![]u8 {
    const path = try std.fs.path.join(allocator, &.{ folder, name });
    return std.Io.Dir.cwd().readFileAlloc(io, path, allocator, .unlimited);
}

var builders: ?[2]nn.Builder = null;

fn readModel(io: std.Io, folder: []const u8) ![2]nn.Builder {
    const xml = try read(io, folder, "model.xml");
    const bin = try read(io, folder, "model.bin");
    return .{ .{ .data = xml.ptr, .len = xml.len }, .{ .data = bin.ptr, .len = bin.len } };
}

export fn @"wizer-initialize"() void {
    var threaded: std.Io.Threaded = .init_single_threaded;
    builders = readModel(threaded.io(), "f32") catch unreachable;
}

fn setInput(context: u32, kind: []const u8, image: []const u8) !void {
    var floats: [64]f32 = undefined;
    var words: [64]i32 = undefined;
    for (image, &floats, &words) |pixel, *float, *word| {
        float.* = @as(f32, @floatFromInt(pixel)) / 16;
        word.* = pixel;
    }
    const is_u8 = std.mem.eql(u8, kind, "u8");
    const is_i32 = std.mem.eql(u8, kind, "i32");
    const numbers = if (is_i32) std.mem.asBytes(&words) else std.mem.asBytes(&floats);
    const data = if (is_u8) image else numbers;
    const tensor: nn.Tensor = .{
        .dimensions = &.{ 1, 64 },
        .dimensions_len = 2,
        .type = if (is_u8) .u8 else if (is_i32) .i32 else .f32,
        .data = data.ptr,
        .data_len = data.len,
    };
    try nn.check(nn.set_input(context, 0, &tensor));
}

pub fn main(init: std.process.Init) !void {
    const args = try init.minimal.args.toSlice(init.arena.allocator());
    if (args.len < 4) {
        std.debug.print("usage: classify TYPE FOLDER IMAGE...\n", .{});
        std.process.exit(2);
    }
    var buffer: [256]u8 = undefined;
    var stdout = std.Io.File.stdout().writer(init.io, &buffer);

    const model = builders orelse try readModel(init.io, args[2]);
    var graph: u32 = undefined;
    try nn.check(nn.load(&model, model.len, nn.openvino, nn.cpu, &graph));
    var context: u32 = undefined;
    try nn.check(nn.init_execution_context(graph, &context));
    for (args[3..]) |path| {
        try setInput(context, args[1], try read(init.io, ".", path));
        try nn.check(nn.compute(context));
        var output: [10]f32 = undefined;
        const bytes = std.mem.asBytes(&output);
        var size: u32 = undefined;
        try nn.check(nn.get_output(context, 0, bytes, bytes.len, &size));
        std.debug.assert(size == bytes.len);
        const best = std.mem.findMax(f32, &output);
        const share: u32 = @trunc(1000 * output[best]);
        try stdout.interface.print("{s}: {d} ({d})\n", .{ path, best, share });
    }
    try stdout.interface.flush();
}
