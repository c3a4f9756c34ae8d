# Measure.pm - what the scripts that run benchmarks share.
# SPDX-License-Identifier: MIT
package Measure;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK =
  qw(each_request have median number paired pinned progress slurp);

sub progress { print STDERR "   @_\n" }

sub have {
    my ($tool) = @_;
    return grep { -x "$_/$tool" } split /:/, $ENV{PATH};
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    my $half   = int( @sorted / 2 );
    return @sorted % 2
      ? $sorted[$half]
      : ( $sorted[$half] + $sorted[ $half - 1 ] ) / 2;
}

sub slurp {
    my ($path) = @_;
    open my $in, '<', $path or die "$path: $!\n";
    local $/;
    return scalar <$in>;
}

# Client and server share a CPU and give it up only when they have nothing to
# do (SCHED_BATCH). So each wait brings all connections, for every server, and
# what the other CPUs are busy with matters least.
sub pinned {
    return () if !have('taskset') || !have('chrt');
    my ($cpu) = slurp('/proc/self/status') =~ /^Cpus_allowed_list:.*?(\d+)$/m;
    return ( 'taskset', '-c', $cpu, 'chrt', '-b', '0' );
}

# What one more request costs: two runs, their difference divided. Each of
# $count's figures is a hash of numbers.
sub each_request {
    my ( $few, $many, $count ) = @_;
    my ( $a, $b ) = ( $count->($few), $count->($many) );
    return { map { $_ => ( $b->{$_} - ( $a->{$_} // 0 ) ) / ( $many - $few ) }
          keys %$b };
}

# Rounds in which each server runs once, in turn forwards and backwards, and is
# compared with "raw" of the same round alone: what a machine can do drifts.
# $servers and $time are called with the round, and with a server. The medians,
# of the times and of the ratios, by name.
sub paired {
    my ( $what, $rounds, $servers, $time ) = @_;
    my ( %times, %ratios );
    for my $round ( 1 .. $rounds ) {
        progress("$what, round $round of $rounds");
        my @round = $servers->($round);
        @round = reverse @round if $round % 2 == 0;
        my %time = map { $_->[0] => $time->($_) } @round;
        for ( keys %time ) {
            push @{ $times{$_} },  $time{$_};
            push @{ $ratios{$_} }, $time{$_} / $time{raw};
        }
    }
    return map {
        my $by = $_;
        +{ map { $_ => median( @{ $by->{$_} } ) } keys %$by }
    } \( %times, %ratios );
}

sub number {
    my ($n) = @_;
    return '-' if !defined $n;
    return sprintf '%.4f', $n if $n > 0 && $n < 0.1;
    return sprintf '%.3f', $n if $n > 0 && $n < 3;
    return sprintf $n < 100 ? '%.1f' : '%.0f', $n;
}

1;
