# Echo.pm - an echo over TCP: instructions, system calls, CPU time, memory.
# SPDX-License-Identifier: MIT
package Echo;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = qw(@columns run_cpu run_echo run_filter run_idle run_steady);
use List::Util qw(max);
use Load qw(built cpu_time instructions programs serve system_calls);
use Measure qw(have paired progress);
use Report qw(check row);

my $target_instructions = 200;
my $target_raw          = 45;
my $target_filter       = 120;      # a read and a write, 60 each
my $target_calls        = 1.005;    # of the hand-written loop's
my $target_waits        = 1.05;
my $target_cpu          = 1.08;
my $target_idle         = 320;

my $rounds           = 11;    # of CPU runs, rondo's and raw's in turn
my $idle_connections = 4_000;

# Each echo server: its column, its program, its --mode.
my @all = (
    [ rondo    => 'echo_rondo',       '' ],
    [ raw      => 'echo_raw',         '' ],
    [ libev    => 'echo_ev',          '' ],
    [ libuv    => 'echo_uv',          '' ],
    [ uv_write => 'echo_uv',          'queue' ],
    [ libevent => 'echo_bufferevent', '' ],
);
our @columns = map { $_->[0] } @all;

sub run_echo {
    my ($profile) = @_;
    my ( %instructions, %calls );
    for my $server ( built(@all) ) {
        my ($name) = @$server;
        progress("echo: instructions and system calls, $name");
        $instructions{$name} = instructions($server) if have('valgrind');
        $calls{$name}        = system_calls($server) if have('strace');
    }
    row( 'instructions/request', "<= $target_instructions", %instructions );
    check( 'hand-written loop, instructions/request',
        $instructions{raw}, $target_raw );
    check( 'instructions/request', $instructions{rondo}, $target_instructions );
    for my $kind (qw(receive send wait epoll_ctl other)) {
        my %figures = map { $_ => $calls{$_}{$kind} } keys %calls;
        row( "$kind calls/request", '= raw', %figures );
        my $allowed = $kind eq 'wait' ? $target_waits : $target_calls;
        check( "$kind calls/request", $figures{rondo},
            defined $figures{raw} ? $figures{raw} * $allowed + 0.0005 : undef );
    }
    show_profile() if $profile && %instructions;
}

# What a cipher costs as a filter over the same one called by hand.
sub run_filter {
    return if !have('valgrind');
    my %instructions;
    for my $mode (qw(hand filter)) {
        progress("filter: instructions, $mode");
        $instructions{$mode} =
          instructions( [ "filter-$mode", 'echo_filter', $mode ] );
    }
    my $over = $instructions{filter} - $instructions{hand};
    row( 'filter, instructions/request', "<= $target_filter", rondo => $over );
    check( 'filter, instructions/request', $over, $target_filter );
}

# The peers are in the first rounds only.
sub run_cpu {
    my @servers = built(@all);
    my ( $median, $over ) = paired(
        'cpu', $rounds,
        sub {
            my ($round) = @_;
            return grep { $round <= 5 || $_->[0] =~ /^(rondo|raw)$/ } @servers;
        },
        \&cpu_time
    );
    row( 'server CPU, ns/request', '',               %$median );
    row( 'server CPU over raw',    "<= $target_cpu", %$over );
    check( "server CPU over raw (median of $rounds pairs)",
        $over->{rondo}, $target_cpu );
}

sub run_idle {
    my ( %bytes, %exact );
    for my $server ( grep { $_->[0] ne 'uv_write' } built(@all) ) {
        progress("idle: $server->[0]");
        my %report = serve(
            server => $server,
            idle   => $idle_connections,
            load   => [
                '--one-by-one', '--connections', $idle_connections + 2
            ]
        );
        $bytes{ $server->[0] } = $report{idle_bytes};
        $exact{ $server->[0] } = $report{idle_exact_bytes};
    }
    row( 'idle connection, bytes', "<= $target_idle", %bytes );
    row( '  seen by its allocator', '', %exact );
    check( 'idle connection, bytes', $bytes{rondo}, $target_idle );
}

sub run_steady {
    progress('steady: a million requests');
    my %report = serve(
        server => $all[0],
        mode   => 'steady',
        load   => [ '--requests', 1_200_000 ]
    );
    my $allocations = $report{steady_allocations};
    row( 'allocations/million requests', '<= 0', rondo => $allocations );
    check( 'allocations/million requests', $allocations, 0 );
}

# ---- what a request is made of ----

# What was inlined from a header counts apart in a function's own, and is part
# of what it takes with its calls.
sub functions {
    my ( $counts, $inclusive ) = @_;
    my %instructions;
    open my $in, '-|', 'callgrind_annotate', '--threshold=100', '--auto=no',
      "--inclusive=$inclusive", $counts
      or die "callgrind_annotate: $!\n";
    while ( my $line = <$in> ) {
        next if $line !~ /^\s*([\d,]+) (?:\([^)]*\))?\s+\S*?:(\S+)/;
        my ( $count, $name ) = ( $1, $2 );
        $count =~ tr/,//d;
        my $before = $instructions{$name} // 0;
        $instructions{$name} =
          $inclusive eq 'no' ? $before + $count : max( $before, $count );
    }
    close $in;
    return \%instructions;
}

sub show_profile {
    my ( $few, $many ) = map { programs() . "/callgrind.rondo.$_" } 20_000, 60_000;
    my %cost;
    for my $way ( 'no', 'yes' ) {
        my ( $a, $b ) =
          map { functions( $_, $way ) } $few, $many;
        $cost{$_}{$way} = ( $b->{$_} - ( $a->{$_} // 0 ) ) / 40_000
          for keys %$b;
    }
    print "\nInstructions of an echo request, by function\n";
    printf "%10s %10s  %s\n", 'own', 'with calls', 'function';
    for my $name (
        sort { ( $cost{$b}{no} // 0 ) <=> ( $cost{$a}{no} // 0 ) }
        keys %cost
      )
    {
        my ( $own, $all ) = map { $cost{$name}{$_} // 0 } 'no', 'yes';
        printf "%10.1f %10.1f  %s\n", $own, $all, $name if $own >= 0.05;
    }
}

1;
