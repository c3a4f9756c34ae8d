# Datagrams.pm - an echo over UDP.
# SPDX-License-Identifier: MIT
package Datagrams;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = qw(run_udp);
use Load qw(built cpu_time instructions system_calls);
use Measure qw(have paired progress);
use Report qw(check row);

my $target_cpu   = 0.88;
my $target_calls = 0.2;
my $rounds       = 7;

# One socket. The measure is a recvfrom and a sendto for each datagram.
my @all = map { [ $_->[0], "udp_$_->[1]", $_->[2], 'udp_client' ] } (
    [ rondo => 'rondo', '' ],
    [ raw   => 'raw',   '' ],
    [ libuv => 'uv',    '' ],
    [ batch => 'raw',   'batch' ],
);

# The same as for the echo over TCP, and one more contestant: batches by hand.
sub run_udp {
    my @servers = built(@all);
    my ( %instructions, %calls );
    for my $server (@servers) {
        my $name = $server->[0];
        progress("udp: instructions and system calls, $name");
        $instructions{$name} = instructions($server) if have('valgrind');
        next if !have('strace');
        my $by_kind = system_calls($server);
        $calls{$name} = $by_kind->{receive} + $by_kind->{send};
    }
    my ( $median, $over ) =
      paired( 'udp', $rounds, sub { @servers }, \&cpu_time );
    row( 'UDP instructions/datagram', '', %instructions );
    row( 'UDP calls/datagram', "<= $target_calls", %calls );
    row( 'UDP server CPU, ns/datagram', '', %$median );
    row( 'UDP server CPU over raw', "<= $target_cpu", %$over );
    row( '  by hand, in batches', '', raw => $over->{batch} );
    check( 'UDP receives and sends/datagram', $calls{rondo},
        $target_calls );
    check( "UDP server CPU over raw (median of $rounds)",
        $over->{rondo}, $target_cpu );
}

1;
