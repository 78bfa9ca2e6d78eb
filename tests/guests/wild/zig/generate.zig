//! Has a named language model go on with a prompt: generate NAME OPTIONS PROMPT

const std = @import("std");
const nn = @import("nn.zig");

fn setInput(context: u32, index: u32, text: []const u8) !void {
    const tensor: nn.Tensor = .{
        .dimensions = &.{text.len},
        .dimensions_len = 1,
        .type = .u8,
        .data = text.ptr,
        .data_len = text.len,
    };
    try nn.check(nn.set_input(context, index, &tensor));
}

pub fn main(init: std.process.Init) !void {
    const args = try init.minimal.args.toSlice(init.arena.allocator());
    if (args.len != 4) {
        std.debug.print("usage: generate NAME OPTIONS PROMPT\n", .{});
        std.process.exit(2);
    }
    var graph: u32 = undefined;
    try nn.check(nn.load_by_name(args[1].ptr, args[1].len, &graph));
    var context: u32 = undefined;
    try nn.check(nn.init_execution_context(graph, &context));
    try setInput(context, 1, args[2]);
    try setInput(context, 0, args[3]);
    try nn.check(nn.compute(context));
    var output: [4096]u8 = undefined;
    var size: u32 = undefined;
    try nn.check(nn.get_output(context, 0, &output, output.len, &size));
    var buffer: [256]u8 = undefined;
    var stdout = std.Io.File.stdout().writer(init.io, &buffer);
    try stdout.interface.print("{s}\n", .{output[0..size]});
    try stdout.interface.flush();
    try nn.check(nn.unload(graph));
}
