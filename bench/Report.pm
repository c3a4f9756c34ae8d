# Report.pm - the rows of figures and the checks of targets, and their tables.
# SPDX-License-Identifier: MIT
package Report;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = qw(check row show_checks show_table);
use Measure qw(number);

my @checks;   # name, figure, limit
my @table;    # rows: name, target text, hash of columns

sub row {
    my ( $name, $target, %figures ) = @_;
    push @table, [ $name, $target, \%figures ];
}

sub check {
    my ( $name, $figure, $limit ) = @_;
    push @checks, [ $name, $figure, $limit ];
}

sub show_table {
    my (@columns) = @_;
    my $format = '%-32s%-9s' . '%10s' x @columns . "\n";
    print "\n";
    printf $format, 'figure', 'target', @columns;
    for my $row (@table) {
        my ( $name, $target, $figures ) = @$row;
        my @cells = map { number( $figures->{$_} ) } @columns;
        printf $format, $name, $target, @cells;
    }
}

sub show_checks {
    my $missed = 0;
    print "\n";
    for (@checks) {
        my ( $name, $figure, $limit ) = @$_;
        my $met = defined $figure && defined $limit && $figure <= $limit;
        $missed++ if !$met;
        printf "%-7s %-46s %9s, target %s\n", $met ? 'met' : 'MISSED', $name,
          defined $figure ? number($figure) : 'not measured', number($limit);
    }
    printf "\n%d of %d targets met\n", @checks - $missed, scalar @checks;
    return $missed;
}

1;
