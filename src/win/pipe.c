/* pipe.c - pipes, as sys.h asks for them: Windows. */
/* SPDX-License-Identifier: MIT */
#include "error.h"
#include "win.h"

unsigned sys_pipe_sides(sys_fd fd)
{
    (void)fd;
    return 0;
}

int sys_pipe_open(sys_fd fd, unsigned side, bool shared, struct sys_pipe *pipe)
{
    (void)side;
    (void)shared;
    *pipe = (struct sys_pipe){.given = fd, .fd = fd};
    return RONDO_ENOTSUP;
}

void sys_pipe_close(struct sys_pipe *pipe, bool close, bool inherited)
{
    (void)pipe;
    (void)close;
    (void)inherited;
}

int64_t sys_pipe_read(struct sys_pipe *pipe, void *data, size_t size)
{
    (void)pipe;
    (void)data;
    (void)size;
    return RONDO_ENOTSUP;
}

int64_t sys_pipe_write(struct sys_pipe *pipe, const rondo_buffer *buffers,
                       size_t count)
{
    (void)pipe;
    (void)buffers;
    (void)count;
    return RONDO_ENOTSUP;
}

bool sys_pipe_blocks(const struct sys_pipe *pipe)
{
    (void)pipe;
    return false;
}

void sys_pipe_block(struct sys_pipe *pipe)
{
    (void)pipe;
}

int64_t sys_pipe_read_waiting(struct sys_pipe *pipe, void *data, size_t size)
{
    return sys_pipe_read(pipe, data, size);
}

int64_t sys_pipe_write_waiting(struct sys_pipe *pipe, const void *data,
                               size_t size)
{
    const rondo_buffer piece = {data, size};
    return sys_pipe_write(pipe, &piece, 1);
}

bool sys_pipe_tells(const struct sys_pipe *pipe)
{
    (void)pipe;
    return false;
}

bool sys_pipe_hung_up(const struct sys_pipe *pipe)
{
    (void)pipe;
    return false;
}
